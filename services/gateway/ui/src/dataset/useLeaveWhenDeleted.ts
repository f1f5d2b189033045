// A page of what is no more leads back to the panel, whoever deleted it.
import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { socket } from '../live/page';
import { toast } from '../ui';

export function useLeaveWhenDeleted(id: string, name: string | undefined): void {
  const navigate = useNavigate();
  useEffect(
    () =>
      socket.subscribe(`dataset/${id}`, ({ event }) => {
        if (event !== 'dataset_deleted') return;
        toast.good(`${name ?? 'The dataset'} was deleted`);
        void navigate({ to: '/' });
      }),
    [id, name, navigate],
  );
}
