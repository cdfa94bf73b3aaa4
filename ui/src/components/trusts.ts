/** One colour and one dash per trust, the same on every page. */
import { useQuery } from '@tanstack/react-query';
import { trustsQuery } from '@/api/queries';

export interface TrustLook {
  /** A CSS colour that follows the scheme. */
  colour: string;
  /** Second sign beside the colour, for those who cannot tell the colours apart. */
  dash: number[];
}

/** As many as are told apart by everyone, whatever colours they see. */
const COLOURS = 5;
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];

/** By place in the hub's list of trusts, which is in order of name; a stranger gets what its name says. */
export function lookOf(trust: string, all: readonly string[]): TrustLook {
  const place = all.indexOf(trust);
  const index = place >= 0 ? place : [...trust].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 997, 7);
  return {
    colour: `var(--t${index % COLOURS})`,
    dash: DASHES[Math.floor(index / COLOURS) % DASHES.length] as number[],
  };
}

export function useTrustLook(): (trust: string) => TrustLook {
  const names = useQuery({ ...trustsQuery(), refetchInterval: 10_000 }).data?.map((trust) => trust.name) ?? [];
  return (trust) => lookOf(trust, names);
}
