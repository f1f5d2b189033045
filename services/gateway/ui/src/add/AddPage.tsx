// Where datasets come from: the Hub, or this computer.
import { useSearch } from '@tanstack/react-router';
import { Card, PageHeader } from '../ui/parts';
import { DownloadForm } from './DownloadForm';
import { DropFiles } from './DropFiles';
import { UploadForm } from './UploadForm';

export function AddPage() {
  const { repo } = useSearch({ from: '/add' });
  return (
    <DropFiles>
      <PageHeader title="Add a dataset">
        Look before you download: nothing is fetched by a preview.
      </PageHeader>
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
        {/* Another repository in the address is another form. */}
        <DownloadForm key={repo} repo={repo} />
        <section aria-labelledby="from-files" className="lg:order-2">
          <Card className="p-4 sm:p-5">
            <h2 id="from-files" className="mb-3 font-semibold">
              From this computer
            </h2>
            <UploadForm />
          </Card>
        </section>
      </div>
    </DropFiles>
  );
}
