// Shows the toasts, in a corner and to those who listen.
import { IconButton } from './Button';
import { cx } from './cx';
import { Icon } from './Icon';
import { Linked } from './Problem';
import { useToasts, type Toast } from './toast';

const ICONS = { good: 'checkCircle', bad: 'alert', info: 'info' } as const;
const TONES = { good: 'text-good', bad: 'text-bad', info: 'text-info' };

export function Toaster() {
  const toasts = useToasts((state) => state.toasts);
  return (
    <section
      aria-label="Messages"
      className="pointer-events-none fixed right-3 bottom-3 left-3 z-50 flex flex-col items-end gap-2 sm:left-auto"
    >
      {toasts.map((toast) => (
        <One key={toast.id} toast={toast} />
      ))}
    </section>
  );
}

function One({ toast }: { toast: Toast }) {
  const close = useToasts((state) => state.close);
  return (
    <div
      role={toast.tone === 'bad' ? 'alert' : 'status'}
      className="pointer-events-auto flex w-full items-start gap-2.5 rounded-lg border border-line bg-raised py-2.5 pr-1.5 pl-3 text-sm shadow-pop sm:w-96"
    >
      <Icon name={ICONS[toast.tone]} className={cx('mt-0.5', TONES[toast.tone])} />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{toast.title}</p>
        {toast.detail !== undefined && (
          <p className="text-xs text-muted">
            <Linked text={toast.detail} />
          </p>
        )}
      </div>
      <IconButton icon="close" size="sm" label="Close message" onClick={() => close(toast.id)} />
    </div>
  );
}
