/** Where each trust stands around the hub: on one ring, on two where one would be crowded. */

export interface Spot {
  x: number;
  y: number;
}

export const WIDTH = 520;
export const HEIGHT = 340;
const CENTRE: Spot = { x: WIDTH / 2, y: HEIGHT / 2 };
const ON_ONE_RING = 10;
const OUTER = { x: 190, y: 118 };
const INNER = { x: 112, y: 72 };

export function placesOf(count: number): Spot[] {
  if (count <= ON_ONE_RING) return ring(count, OUTER);
  const inside = Math.floor(count / 3);
  return [...ring(count - inside, OUTER), ...ring(inside, INNER)];
}

/** From the top, clockwise; two stand left and right, not one above the other. */
function ring(count: number, radius: { x: number; y: number }): Spot[] {
  const start = count === 2 ? Math.PI : -Math.PI / 2;
  return Array.from({ length: count }, (_, index) => {
    const angle = start + (2 * Math.PI * index) / count;
    return { x: CENTRE.x + radius.x * Math.cos(angle), y: CENTRE.y + radius.y * Math.sin(angle) };
  });
}
