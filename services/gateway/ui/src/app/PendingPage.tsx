// What is seen while a screen's code or data is on its way.
import { Skeleton } from '../ui/parts';

export function PendingPage() {
  return (
    <div aria-busy="true" className="space-y-4">
      <p className="sr-only" role="status">
        Loading
      </p>
      <Skeleton className="h-7 w-56" />
      <Skeleton className="h-9 w-full" />
      <Skeleton className="h-48 w-full" />
    </div>
  );
}
