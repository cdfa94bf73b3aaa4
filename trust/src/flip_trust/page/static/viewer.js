// The image of a study with its label over it. NiiVue (BSD-2-Clause, by its authors, github.com/niivue/niivue) lies beside
// this file; nothing is loaded from elsewhere.
import { Niivue } from './vendor/niivue.js';

const form = document.getElementById('view');
const state = document.getElementById('view-state');
const dark = new Niivue({
  backColor: [0, 0, 0, 1],
  crosshairColor: [0.49, 0.78, 0.82, 0.6],
  crosshairWidth: 1,
  isRadiologicalConvention: true, // the patient's left is on the right, as in the previews
  isResizeCanvas: true,
  loadingText: '',
});
await dark.attachTo('canvas');
dark.setSliceType(dark.sliceTypeMultiplanar);
dark.onLocationChange = (place) => {
  state.textContent = place.string;
};

async function load() {
  const { input, label, opacity } = form.elements;
  state.textContent = 'Loading …';
  state.dataset.ready = '';
  const volumes = [{ url: form.dataset.from + input.value, name: input.value }];
  if (label.value) {
    volumes.push({ url: form.dataset.from + label.value, name: label.value, colormap: 'red', opacity: Number(opacity.value), cal_min: 0.5, cal_max: 1.5 });
  }
  try {
    await dark.loadVolumes(volumes);
    state.textContent = `${input.value}${label.value ? ` with ${label.value}` : ''}`;
    state.dataset.ready = 'yes';
  } catch {
    state.textContent = 'This image could not be loaded.';
  }
}
form.elements.input.addEventListener('change', load);
form.elements.label.addEventListener('change', load);
form.elements.opacity.addEventListener('input', () => {
  if (dark.volumes.length > 1) dark.setOpacity(1, Number(form.elements.opacity.value));
});
form.addEventListener('submit', (event) => event.preventDefault());
await load();
