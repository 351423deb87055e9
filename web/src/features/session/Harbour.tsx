import styles from './AuthLayout.module.css';

/** A line drawing of a quay: cranes moving boxes between ship and shore. */
export function Harbour() {
  return (
    <svg className={styles.harbour} viewBox="0 0 400 96" aria-hidden="true">
      <g fill="none" stroke="var(--g-control)" strokeWidth="1">
        <path d="M0 84h400M18 84V30h96M30 30v54M90 30v54M18 30l12-14h60M30 50h60" />
        <path d="M290 84V38h84M302 38v46M362 38v46M290 38l12-12h50M302 56h60" />
        <path d="M150 70h112l-10 14h-94zM160 60h22v10h-22zM184 60h22v10h-22zM208 60h22v10h-22zM184 50h22v10h-22z" />
        <path d="M40 74h20v10H40zM62 74h20v10H62zM310 74h20v10h-20zM332 74h20v10h-20zM321 64h20v10h-20z" />
      </g>
      <g fill="none" stroke="var(--g-brand)" strokeWidth="1.6">
        <path d="M106 30v14M98 44h16v10H98z" />
      </g>
    </svg>
  );
}
