import { expect, test } from 'vitest';
import { HEIGHT, placesOf, WIDTH } from './place';

test('however many trusts there are, each stands inside the drawing and none upon another', () => {
  for (const count of [1, 2, 3, 10, 11, 40]) {
    const places = placesOf(count);
    expect(places).toHaveLength(count);
    for (const { x, y } of places) {
      expect(x).toBeGreaterThan(40);
      expect(x).toBeLessThan(WIDTH - 40);
      expect(y).toBeGreaterThan(30);
      expect(y).toBeLessThan(HEIGHT - 30);
    }
    for (const [index, one] of places.entries())
      for (const other of places.slice(index + 1))
        expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(14);
  }
});
