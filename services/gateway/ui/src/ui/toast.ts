// Short messages that go by themselves; errors stay until they are closed.
import { create } from 'zustand';
import { ApiProblem } from '../api/problem';

export interface Toast {
  id: number;
  tone: 'good' | 'bad' | 'info';
  title: string;
  detail?: string | undefined;
}

const LIFE_MS = 6000;
const MOST = 4;

interface Toasts {
  toasts: Toast[];
  push: (toast: Omit<Toast, 'id'>) => void;
  close: (id: number) => void;
}

let last = 0;

export const useToasts = create<Toasts>()((set, get) => ({
  toasts: [],
  push: (toast) => {
    last += 1;
    const id = last;
    // The same message once more says nothing new.
    const others = get().toasts.filter((one) => one.title !== toast.title || one.detail !== toast.detail);
    set({ toasts: [...others, { ...toast, id }].slice(-MOST) });
    if (toast.tone !== 'bad') setTimeout(() => get().close(id), LIFE_MS);
  },
  close: (id) => set({ toasts: get().toasts.filter((toast) => toast.id !== id) }),
}));

export const toast = {
  good: (title: string, detail?: string) => useToasts.getState().push({ tone: 'good', title, detail }),
  info: (title: string, detail?: string) => useToasts.getState().push({ tone: 'info', title, detail }),
  error: (title: string, detail?: string) => useToasts.getState().push({ tone: 'bad', title, detail }),
  /** What was tried, and why it did not work. */
  problem: (title: string, cause: unknown) => {
    const problem = ApiProblem.from(cause);
    const next = problem.next_step ? ` Next: ${problem.next_step}` : '';
    useToasts.getState().push({ tone: 'bad', title, detail: problem.detail + next });
  },
};
