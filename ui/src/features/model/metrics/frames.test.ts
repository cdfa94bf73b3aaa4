import { expect, test } from 'vitest';
import { Frames } from './frames';

function byHand() {
  const asked: (() => void)[] = [];
  let now = 0;
  const frames = new Frames(
    (frame) => asked.push(frame),
    () => now,
  );
  const done: string[] = [];
  const work = (name: string, ms: number) => () => {
    now += ms;
    done.push(name);
  };
  return { frames, done, work, next: () => asked.shift()?.() };
}

test('a frame takes what fits into it and leaves the rest to the next', () => {
  const { frames, done, work, next } = byHand();
  frames.add({}, work('small', 1));
  frames.add({}, work('large', 20));
  frames.add({}, work('late', 1));
  next();
  expect(done).toEqual(['small', 'large']);
  next();
  expect(done).toEqual(['small', 'large', 'late']);
});

test('work asked for twice is done once, as it was asked for last, and keeps its place', () => {
  const { frames, done, work, next } = byHand();
  const chart = {};
  frames.add(chart, work('old', 10));
  frames.add({}, work('other', 1));
  frames.add(chart, work('new', 10));
  next();
  next();
  next();
  expect(done).toEqual(['new', 'other']);
});

test('what is dropped is not done', () => {
  const { frames, done, work, next } = byHand();
  const chart = {};
  frames.add(chart, work('never', 1));
  frames.drop(chart);
  next();
  expect(done).toEqual([]);
});
