// The polite region that assistive technology reads out.
import { create } from 'zustand';
import { Announcer } from './announce';

const useAnnouncement = create(() => ({ text: '' }));
const announcer = new Announcer((text) => useAnnouncement.setState({ text }));

/** Says something to those who listen, not more than once in ten seconds. */
export const announce = (text: string): void => announcer.announce(text);

export function LiveRegion() {
  const text = useAnnouncement((state) => state.text);
  return (
    <div aria-live="polite" aria-atomic="true" className="sr-only">
      {text}
    </div>
  );
}
