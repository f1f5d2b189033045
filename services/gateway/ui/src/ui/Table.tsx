// Tables that scroll by themselves when they are wider than the page.
import type { ComponentProps } from 'react';
import { cx } from './cx';

interface TableProps extends ComponentProps<'table'> {
  /** What the table shows, for those who hear it. */
  label: string;
}

export function Table({ label, className, children, ...rest }: TableProps) {
  return (
    <div
      role="region"
      aria-label={label}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
      tabIndex={0}
      className="overflow-x-auto rounded-lg border border-line bg-surface"
    >
      <table
        {...rest}
        aria-label={label}
        className={cx('w-full border-collapse text-sm wrap-break-word', className)}
      >
        {children}
      </table>
    </div>
  );
}

export function Th({ className, ...rest }: ComponentProps<'th'>) {
  return (
    <th
      scope="col"
      {...rest}
      className={cx(
        'border-b border-line bg-sunken px-3 py-2 text-left text-xs font-medium whitespace-nowrap text-muted',
        className,
      )}
    />
  );
}

export function Td({ className, ...rest }: ComponentProps<'td'>) {
  return (
    <td
      {...rest}
      className={cx('border-b border-line px-3 py-2 align-top in-[tr:last-child]:border-b-0', className)}
    />
  );
}
