/** Colours, type and the defaults of components. Everything else takes them from here. */
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple, Tooltip } from '@mantine/core';

const petrol: MantineColorsTuple = [
  '#ecf6f7', '#d7eaec', '#abd3d8', '#7cbbc3', '#56a7b1', '#3e9aa6', '#2b8592', '#1f7180', '#17616d', '#0d4a54',
]; // biome-ignore format: a ramp reads best on one line
const slate: MantineColorsTuple = [
  '#f7f8f8',
  '#eff1f2',
  '#e4e7e9',
  '#d3d8db',
  '#b4bcc1',
  '#8f9aa1',
  '#69757d',
  '#4e5a62',
  '#343e45',
  '#1c2429',
];
const ink: MantineColorsTuple = [
  '#dde3e6',
  '#b8c2c8',
  '#98a5ac',
  '#6d7a82',
  '#414d55',
  '#2f3a41',
  '#222b31',
  '#192126',
  '#12181c',
  '#0c1114',
];

export const theme = createTheme({
  primaryColor: 'petrol',
  primaryShade: { light: 7, dark: 7 },
  autoContrast: true,
  luminanceThreshold: 0.3,
  colors: { petrol, gray: slate, dark: ink },
  white: '#ffffff',
  black: '#182126',
  fontFamily: "'Geist Variable', ui-sans-serif, system-ui, sans-serif",
  fontFamilyMonospace: "'Geist Mono Variable', ui-monospace, monospace",
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.625rem', lineHeight: '1.25' },
      h2: { fontSize: '1.0625rem', lineHeight: '1.4' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.4' },
    },
  },
  fontSizes: { xs: '0.75rem', sm: '0.875rem', md: '0.9375rem', lg: '1.0625rem', xl: '1.25rem' },
  defaultRadius: 'md',
  radius: { sm: '5px', md: '8px', lg: '12px' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Tooltip: Tooltip.extend({
      defaultProps: { withArrow: true, openDelay: 250, events: { hover: true, focus: true, touch: true } },
    }),
    // The variant is said, so that the walk over the pages can count what is primary.
    Button: { defaultProps: { size: 'sm', variant: 'filled' } },
    // A window's header is not the page's banner.
    ModalHeader: { defaultProps: { role: 'presentation' } },
    DrawerHeader: { defaultProps: { role: 'presentation' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    Modal: { defaultProps: { overlayProps: { backgroundOpacity: 0.35, blur: 2 }, transitionProps: { duration: 120 } } },
  },
});

/** Dimmed text keeps 4.5:1 in both schemes, which Mantine's own grey does not. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-dimmed': '#5a666e',
    '--mantine-color-placeholder': '#6b777f',
    '--mantine-color-default-border': '#d9dee1',
    '--mantine-color-error': '#b3261e',
    '--mantine-color-anchor': '#17616d',
  },
  dark: {
    '--mantine-color-body': '#151c20',
    '--mantine-color-text': '#e3e8eb',
    '--mantine-color-dimmed': '#9aa7ae',
    '--mantine-color-placeholder': '#8c99a1',
    '--mantine-color-default': '#1b2328',
    '--mantine-color-default-border': '#303b42',
    '--mantine-color-error': '#ff8f87',
    '--mantine-color-anchor': '#7cc6d0',
  },
});
