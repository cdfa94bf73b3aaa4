/** A project's series rule, as the fields of its form and in words. */
import type { SeriesRule } from '@/api/types';

export const MODALITIES = ['CT', 'MR', 'PT', 'CR', 'DX'] as const;
export const PLANES = ['axial', 'coronal', 'sagittal'] as const;
export const PICKS = [
  { value: 'all', label: 'All of them' },
  { value: 'thinnest', label: 'The one with the thinnest slices' },
  { value: 'thickest', label: 'The one with the thickest slices' },
  { value: 'most_slices', label: 'The one with the most slices' },
] as const;

/** Numbers are empty text where nothing is asked of them, as their fields have it. */
export interface RuleValues {
  modalities: (typeof MODALITIES)[number][];
  description: string[];
  not_description: string[];
  planes: (typeof PLANES)[number][];
  min_thickness_mm: number | '';
  max_thickness_mm: number | '';
  min_slices: number | '';
  pick: (typeof PICKS)[number]['value'];
}

export function valuesOf(rule: SeriesRule | null): RuleValues {
  return {
    modalities: rule?.modalities ?? [],
    description: rule?.description ?? [],
    not_description: rule?.not_description ?? [],
    planes: rule?.planes ?? [],
    min_thickness_mm: rule?.min_thickness_mm ?? '',
    max_thickness_mm: rule?.max_thickness_mm ?? '',
    min_slices: rule?.min_slices ?? '',
    pick: rule?.pick ?? 'all',
  };
}

/** Null where nothing is asked: then every series that can be converted is taken. */
export function ruleOf(values: RuleValues): SeriesRule | null {
  const rule = {
    ...values,
    min_thickness_mm: values.min_thickness_mm || null,
    max_thickness_mm: values.max_thickness_mm || null,
    min_slices: values.min_slices || null,
  };
  return wordsOf(rule).length ? rule : null;
}

/** What the form can see for itself, as the hub would refuse it. */
export function faultOf({ min_thickness_mm: least, max_thickness_mm: most }: RuleValues): string | null {
  return least && most && least > most ? 'Less than the least, so no series could be taken.' : null;
}

/** A line for each condition; none if it asks nothing. */
export function wordsOf(rule: SeriesRule | null): string[] {
  if (!rule) return [];
  const { modalities = [], description = [], not_description = [], planes = [] } = rule;
  const pick = PICKS.find(({ value }) => value === rule.pick && value !== 'all');
  return [
    modalities.length && `Modality ${either(modalities)}`,
    description.length && `Description with ${either(description.map(quoted))}`,
    not_description.length && `Description without ${either(not_description.map(quoted))}`,
    planes.length && `${capital(either(planes))} slices`,
    thickness(rule.min_thickness_mm, rule.max_thickness_mm),
    rule.min_slices && `At least ${rule.min_slices.toLocaleString('en')} ${rule.min_slices === 1 ? 'slice' : 'slices'}`,
    pick && `Of these ${pick.label[0]?.toLowerCase()}${pick.label.slice(1)}`,
  ].filter((line) => typeof line === 'string');
}

function thickness(least: number | null | undefined, most: number | null | undefined): string | null {
  if (least && most) return least === most ? `Slices of ${least} mm` : `Slices of ${least} to ${most} mm`;
  if (least) return `Slices of ${least} mm or more`;
  return most ? `Slices of ${most} mm or less` : null;
}

const quoted = (text: string) => `“${text}”`;
const capital = (text: string) => `${text[0]?.toUpperCase()}${text.slice(1)}`;

function either(all: readonly string[]): string {
  return all.length < 2 ? all.join() : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;
}
