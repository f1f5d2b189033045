// Fields of forms: a label that belongs to its control, a hint, and the error beside what caused it.
import { useId, type ComponentProps, type ReactNode } from 'react';
import { cx } from './cx';
import { Icon } from './Icon';

/** What a control gets from its field. */
interface Wiring {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': true | undefined;
}

interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  error?: string | null;
  /** The label is heard and not seen. */
  quiet?: boolean;
  className?: string;
  children: (wiring: Wiring) => ReactNode;
}

export function Field({ label, hint, error, quiet = false, className, children }: FieldProps) {
  const id = useId();
  const wrong = error !== undefined && error !== null && error !== '';
  const described = cx(hint !== undefined && `${id}-hint`, wrong && `${id}-error`);
  return (
    <div className={cx('flex min-w-0 flex-col gap-1', className)}>
      <label htmlFor={id} className={quiet ? 'sr-only' : 'text-xs font-medium text-muted'}>
        {label}
      </label>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': wrong || undefined })}
      {wrong && (
        <p id={`${id}-error`} className="flex items-start gap-1.5 text-xs text-bad">
          <Icon name="alert" size={13} className="mt-0.5" />
          {error}
        </p>
      )}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="text-xs text-faint">
          {hint}
        </p>
      )}
    </div>
  );
}

const CONTROL =
  'w-full min-w-0 rounded-md border border-field bg-surface text-sm text-ink aria-invalid:border-bad disabled:bg-sunken disabled:text-faint';

export function TextInput({ className, ...rest }: ComponentProps<'input'>) {
  return <input type="text" spellCheck={false} {...rest} className={cx(CONTROL, 'h-8 px-2.5', className)} />;
}

export function NumberInput({ className, ...rest }: ComponentProps<'input'>) {
  return <TextInput type="number" inputMode="numeric" {...rest} className={cx('tabular-nums', className)} />;
}

export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea rows={4} {...rest} className={cx(CONTROL, 'px-2.5 py-1.5', className)} />;
}

/** The browser's own select: it works with every keyboard and on every phone. */
export function Select({ className, children, ...rest }: ComponentProps<'select'>) {
  return (
    <span className={cx('relative inline-flex w-full min-w-0', className)}>
      <select {...rest} className={cx(CONTROL, 'h-8 appearance-none truncate pr-8 pl-2.5')}>
        {children}
      </select>
      <Icon
        name="chevronDown"
        size={14}
        className="pointer-events-none absolute top-2.25 right-2.5 text-muted"
      />
    </span>
  );
}

interface CheckboxProps extends Omit<ComponentProps<'input'>, 'type'> {
  label: ReactNode;
  hint?: ReactNode;
}

export function Checkbox({ label, hint, className, ...rest }: CheckboxProps) {
  const id = useId();
  return (
    <div className={cx('flex items-start gap-2', className)}>
      <input
        type="checkbox"
        {...rest}
        id={id}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        className="mt-0.75 size-3.5 shrink-0 accent-accent"
      />
      <div className="min-w-0 text-sm">
        <label htmlFor={id}>{label}</label>
        {hint !== undefined && (
          <p id={`${id}-hint`} className="text-xs text-faint">
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}
