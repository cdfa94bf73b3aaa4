import { describe, expect, it } from 'vitest';
import type { SeriesRule } from '@/api/types';
import { faultOf, ruleOf, valuesOf, wordsOf } from './rule';

const PORTAL: SeriesRule = {
  modalities: ['CT', 'MR'],
  description: ['portal', 'pv*'],
  not_description: ['scout'],
  planes: ['axial'],
  min_thickness_mm: 0.5,
  max_thickness_mm: 3,
  min_slices: 20,
  pick: 'thinnest',
};

describe('a series rule', () => {
  it('goes through its form unchanged', () => {
    expect(ruleOf(valuesOf(PORTAL))).toEqual(PORTAL);
  });

  it('is none where nothing is asked', () => {
    expect(ruleOf(valuesOf(null))).toBeNull();
  });

  it('counts a pick alone as something that is asked', () => {
    expect(ruleOf({ ...valuesOf(null), pick: 'most_slices' })).toMatchObject({ pick: 'most_slices', modalities: [] });
  });

  it('is told in words, a line for each condition', () => {
    expect(wordsOf(PORTAL)).toEqual([
      'Modality CT or MR',
      'Description with “portal” or “pv*”',
      'Description without “scout”',
      'Axial slices',
      'Slices of 0.5 to 3 mm',
      'At least 20 slices',
      'Of these the one with the thinnest slices',
    ]);
  });

  it('tells one end of the thickness, or neither', () => {
    expect(wordsOf({ max_thickness_mm: 3 })).toEqual(['Slices of 3 mm or less']);
    expect(wordsOf({ min_thickness_mm: 5 })).toEqual(['Slices of 5 mm or more']);
    expect(wordsOf({ min_thickness_mm: 2, max_thickness_mm: 2 })).toEqual(['Slices of 2 mm']);
    expect(wordsOf({})).toEqual([]);
  });

  it('sees a range that nothing can be in', () => {
    expect(faultOf({ ...valuesOf(null), min_thickness_mm: 3, max_thickness_mm: 1 })).toContain('no series');
    expect(faultOf(valuesOf(PORTAL))).toBeNull();
  });
});
