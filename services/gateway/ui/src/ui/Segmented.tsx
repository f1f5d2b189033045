// One of a few: a radio group that looks like a switch.
import { useId } from 'react';
import { cx } from './cx';
import { Icon, type IconName } from './Icon';

interface Props<T extends string> {
  /** The name of the group. */
  label: string;
  value: T;
  options: readonly { value: T; label: string; icon?: IconName; iconOnly?: boolean }[];
  onChange: (value: T) => void;
}

export function Segmented<T extends string>({ label, value, options, onChange }: Props<T>) {
  const name = useId();
  return (
    <div
      role="radiogroup"
      aria-label={label}
      className="inline-flex rounded-md border border-line bg-sunken p-0.5"
    >
      {options.map((option) => (
        <label
          key={option.value}
          title={option.iconOnly === true ? option.label : undefined}
          className={cx(
            'relative inline-flex h-6.5 items-center gap-1.5 rounded-sm px-2 text-xs font-medium select-none',
            'has-focus-visible:outline-2 has-focus-visible:outline-offset-1 has-focus-visible:outline-accent-text',
            option.value === value ? 'bg-surface text-ink shadow-card' : 'text-muted hover:text-ink',
          )}
        >
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
            className="absolute inset-0 size-full opacity-0"
          />
          {option.icon !== undefined && <Icon name={option.icon} size={14} />}
          <span className={option.iconOnly === true ? 'sr-only' : undefined}>{option.label}</span>
        </label>
      ))}
    </div>
  );
}
