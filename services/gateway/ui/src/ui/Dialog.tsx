// Dialogs on the browser's own <dialog>: focus stays inside, Esc closes, the page behind is inert, focus goes back.
// (Radix's dialog puts a <style> element into the page, which the content policy refuses.)
import { useEffect, useId, useRef, type KeyboardEvent, type ReactNode } from 'react';
import { IconButton } from './Button';
import { cx } from './cx';

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  description?: ReactNode;
  children?: ReactNode;
  footer?: ReactNode;
  /** `alertdialog` asks before something that cannot be undone. */
  role?: 'dialog' | 'alertdialog';
  size?: 'sm' | 'md' | 'lg' | 'xl';
}

const WIDTHS = { sm: 'max-w-md', md: 'max-w-xl', lg: 'max-w-3xl', xl: 'max-w-6xl' };

export function Dialog(props: DialogProps) {
  // What is closed is not there, so that it starts afresh when it opens again.
  return props.open ? <OpenDialog {...props} /> : null;
}

function OpenDialog({
  onClose,
  title,
  description,
  children,
  footer,
  role = 'dialog',
  size = 'sm',
}: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    // To what is asked for, or else to the first answer, which is the harmless one; not to the cross in the corner.
    element?.querySelector<HTMLElement>('input, footer button')?.focus();
    return () => {
      element?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- a click beside it closes it as Esc does
    <dialog
      ref={dialog}
      role={role}
      aria-labelledby={`${id}-title`}
      aria-describedby={description === undefined ? undefined : `${id}-text`}
      className={cx(
        'w-[calc(100vw-1.5rem)] rounded-lg border border-line bg-raised p-0 shadow-pop',
        'max-h-[calc(100dvh-2rem)] overflow-hidden open:flex open:flex-col',
        WIDTHS[size],
      )}
      onKeyDown={(event) => keepFocus(event, dialog.current)}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current && role === 'dialog') onClose();
      }}
    >
      <header className="flex items-start justify-between gap-4 px-5 pt-4 pb-3">
        <div className="min-w-0">
          <h2 id={`${id}-title`} className="text-lg font-semibold">
            {title}
          </h2>
          {description !== undefined && (
            <div id={`${id}-text`} className="mt-1 text-sm text-muted">
              {description}
            </div>
          )}
        </div>
        <IconButton icon="close" label="Close" size="sm" onClick={onClose} className="-mt-0.5 -mr-1.5" />
      </header>
      {children !== undefined && <div className="min-h-0 overflow-y-auto px-5 pb-4">{children}</div>}
      {footer !== undefined && (
        <footer className="flex flex-wrap justify-end gap-2 border-t border-line bg-sunken px-5 py-3">
          {footer}
        </footer>
      )}
    </dialog>
  );
}

/** The tab key goes round inside: from the last control the browser would go on to its own bars. */
function keepFocus(event: KeyboardEvent, dialog: HTMLElement | null): void {
  if (event.key !== 'Tab' || dialog === null) return;
  const all = [
    ...dialog.querySelectorAll<HTMLElement>(
      'a[href], button, input, select, textarea, summary, [tabindex="0"]',
    ),
  ];
  const inside = all.filter((one) => !one.matches(':disabled') && one.offsetParent !== null);
  const [from, to] = event.shiftKey ? [inside[0], inside.at(-1)] : [inside.at(-1), inside[0]];
  if (document.activeElement !== from && dialog.contains(document.activeElement)) return;
  event.preventDefault();
  to?.focus();
}
