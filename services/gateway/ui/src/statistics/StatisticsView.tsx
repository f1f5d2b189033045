// The statistics of one tokenization: summary, both vocabulary charts, lengths, filters. Shared by the tab and the dialog.
import { useState } from 'react';
import { FilterFunnel } from './charts/FilterFunnel';
import { LengthHistogram } from './charts/LengthHistogram';
import { RankFrequencyChart } from './charts/RankFrequencyChart';
import { VocabularyChart, type Top } from './charts/VocabularyChart';
import { DroppedTokens } from './DroppedTokens';
import type { Statistics } from './queries';
import { SummaryTable } from './SummaryTable';

interface StatisticsViewProps {
  statistics: Statistics;
  maxLength: number;
}

export function StatisticsView({ statistics, maxLength }: StatisticsViewProps) {
  const [top, setTop] = useState<Top>('20');
  if (statistics.total_tokens === 0) {
    return (
      <>
        <p className="mb-4">Nothing was left: every document was empty, or the filters dropped all tokens.</p>
        <SummaryTable statistics={statistics} />
        <DroppedTokens statistics={statistics} />
      </>
    );
  }
  return (
    <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
      <div className="lg:col-span-2">
        <SummaryTable statistics={statistics} />
      </div>
      <div className="flex min-w-0 flex-col gap-4">
        <LengthHistogram
          counts={statistics.length_distribution}
          binWidth={statistics.length_bin_width}
          percentiles={statistics.length_percentiles}
          maxLength={maxLength}
          truncated={statistics.truncated_fraction}
        />
        <RankFrequencyChart counts={statistics.vocab_distribution.map((entry) => entry.count)} />
      </div>
      <div className="flex min-w-0 flex-col gap-4">
        <VocabularyChart
          entries={statistics.vocab_distribution}
          uniqueTokens={statistics.unique_tokens}
          top={top}
          onTop={setTop}
        />
        <FilterFunnel statistics={statistics} />
        <DroppedTokens statistics={statistics} />
      </div>
    </div>
  );
}
