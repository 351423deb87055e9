/** The brand mark: a gantry crane. The only place where the brand orange appears. */
export function Mark({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <g stroke="var(--g-brand)" strokeWidth="2.2" strokeLinecap="square">
        <path d="M3 6h18M6 6v15M18 6v15M12 6v4" />
        <path d="M10 11h4v3h-4z" fill="var(--g-brand)" />
      </g>
    </svg>
  );
}
