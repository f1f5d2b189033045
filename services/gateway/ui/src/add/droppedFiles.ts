// Files on their way from where they were dropped to the form that sends them.
import { create } from 'zustand';

export const useDroppedFiles = create<{ files: File[] }>()(() => ({ files: [] }));
