/** Hospitals around a hub: models travel on the lines, data stay in the houses. */
const HOSPITALS = [
  { x: 70, y: 80, colour: '#f2b84b' },
  { x: 330, y: 60, colour: '#8fd3c8' },
  { x: 60, y: 260, colour: '#e98f6f' },
  { x: 345, y: 250, colour: '#a9c8f5' },
];

export function FederationDrawing() {
  return (
    <svg
      viewBox="0 0 410 330"
      role="img"
      aria-label="Four hospitals, each connected to a hub in the middle"
      style={{ maxWidth: 420, width: '100%' }}
    >
      {HOSPITALS.map(({ x, y, colour }) => (
        <g key={colour}>
          <path
            d={`M${x} ${y} Q ${(x + 205) / 2} ${y < 165 ? 170 : 150} 205 165`}
            stroke="#ffffff"
            strokeOpacity=".28"
            strokeWidth="1.5"
            fill="none"
          />
          <circle cx={x * 0.42 + 205 * 0.58} cy={y * 0.42 + 165 * 0.58 + (y < 165 ? 9 : -6)} r="4.5" fill={colour} />
          <g transform={`translate(${x - 30} ${y - 30})`}>
            <rect width="60" height="60" rx="16" fill="#0d3f48" stroke={colour} strokeOpacity=".8" strokeWidth="1.5" />
            <path d="M30 18v24M18 30h24" stroke={colour} strokeWidth="4" strokeLinecap="round" />
          </g>
        </g>
      ))}
      <circle cx="205" cy="165" r="46" fill="#0d3f48" stroke="#fff" strokeOpacity=".35" strokeWidth="1.5" />
      <circle cx="205" cy="165" r="25" fill="#fff" />
      <circle cx="205" cy="165" r="9" fill="#17616d" />
    </svg>
  );
}
