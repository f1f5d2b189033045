// A screen on which files can be dropped; they go to the form that sends them.
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState, type DragEvent, type ReactNode } from 'react';
import { Icon } from '../ui/Icon';
import { useDroppedFiles } from './droppedFiles';

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer.types.includes('Files');
}

export function DropFiles({ children }: { children: ReactNode }) {
  const navigate = useNavigate();
  // Entering a child leaves its parent: what counts is how deep the pointer is.
  const depth = useRef(0);
  const [over, setOver] = useState(false);
  const go = (step: 1 | -1) => {
    depth.current = Math.max(0, depth.current + step);
    setOver(depth.current > 0);
  };
  return (
    // By keyboard files are picked in the form.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      className="relative min-h-80"
      onDragEnter={(event) => hasFiles(event) && go(1)}
      onDragLeave={(event) => hasFiles(event) && go(-1)}
      onDragOver={(event) => {
        if (hasFiles(event)) event.preventDefault();
      }}
      onDrop={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        depth.current = 0;
        setOver(false);
        useDroppedFiles.setState({ files: [...event.dataTransfer.files] });
        void navigate({ to: '/add' });
      }}
    >
      {children}
      {over && (
        <div className="pointer-events-none fixed inset-3 z-40 flex items-center justify-center rounded-lg border-2 border-dashed border-accent bg-accent-soft/90">
          <p className="flex items-center gap-2 text-lg font-semibold text-accent-text">
            <Icon name="upload" size={20} /> Drop the files to make a dataset of them
          </p>
        </div>
      )}
    </div>
  );
}
