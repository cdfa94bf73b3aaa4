import { expect, test } from 'vitest';
import { fieldsOf, overrides } from './config';

const APP = `
[tool.flwr.app.config]
num-server-rounds = 3
learning-rate = 1e-4
decay = 1.0
augment = true
loss = "dice"
flip-model-id = "uuid"
[tool.flwr.app.config.optimiser]
name = "adam"
`;

test('each declared key becomes a field of its own type; the platform’s keys do not', () => {
  expect(fieldsOf(APP)).toEqual([
    { key: 'num-server-rounds', value: 3, kind: 'integer' },
    { key: 'learning-rate', value: 0.0001, kind: 'number' },
    { key: 'decay', value: 1, kind: 'number' },
    { key: 'augment', value: true, kind: 'boolean' },
    { key: 'loss', value: 'dice', kind: 'text' },
    { key: 'optimiser.name', value: 'adam', kind: 'text' },
  ]);
});

test('an app without a config has no fields', () => {
  expect(fieldsOf('[project]\nname = "x"')).toEqual([]);
});

test('only what was changed is sent', () => {
  expect(overrides(fieldsOf(APP), { 'num-server-rounds': 5, loss: 'dice' })).toEqual({ 'num-server-rounds': 5 });
});
