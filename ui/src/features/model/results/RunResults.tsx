/** What one run left behind: its zip, what is in it, how it came to be, and where its metrics ended. */
import { Button, Code, CopyButton } from '@mantine/core';
import { IconCertificate, IconDownload, IconFileDescription } from '@tabler/icons-react';
import { useState } from 'react';
import type { Run, StoredResults } from '@/api/types';
import { bytes, duration, fullTime, secondsBetween } from '@/app/time';
import { Card } from '@/components/Card';
import { Status } from '@/components/Status';
import { TrustName } from '@/components/TrustName';
import { LastValues } from './LastValues';
import { ResultFiles } from './ResultFiles';
import classes from './ResultsPanel.module.css';
import { TextView } from './TextView';

interface Props {
  run: Run;
  name: string;
  stored: StoredResults | undefined;
  /** The results that people come for. */
  newest: boolean;
}

export function RunResults({ run, name, stored, newest }: Props) {
  const [card, setCard] = useState(false);
  const rounds = Math.max(0, ...run.rounds.map((round) => round.round));
  const config = Object.entries(run.run_config);
  const address = `/api/v1/runs/${run.id}`;
  return (
    <Card
      title={name}
      note={`${fullTime(run.created_at)}, ${run.finished_at ? duration(secondsBetween(run.created_at, run.finished_at)) : ''}`}
      aside={
        <>
          <Status state={run.state} />
          {stored && (
            <Button
              variant={newest ? 'filled' : 'default'}
              component="a"
              href={`${address}/results`}
              download
              leftSection={<IconDownload size={16} />}
            >
              Download Results
            </Button>
          )}
        </>
      }
    >
      {run.state !== 'succeeded' && (
        <p className={classes.reason}>
          {run.reason_text || 'It ended without a word.'} <Code>{run.reason_code}</Code>
          {!stored && ' It left no results.'}
        </p>
      )}
      <dl className={classes.facts}>
        <dt>Trusts</dt>
        <dd>
          {run.trusts.map((part) => (
            <TrustName key={part.trust} name={part.trust} />
          ))}
        </dd>
        <dt>Rounds</dt>
        <dd className="num">{rounds}</dd>
        <dt>Changed values</dt>
        <dd>
          {config.length
            ? config.map(([key, value]) => <Code key={key}>{`${key} = ${value}`}</Code>)
            : 'none; as the app declares'}
        </dd>
        <dt>Run</dt>
        <dd>
          <Copied text={run.id} what="the run's id" />
        </dd>
        {stored && (
          <>
            <dt>Zip</dt>
            <dd>
              <span className="num">{bytes(stored.size_bytes)}</span>
              <Copied text={stored.sha256} what="its SHA-256" />
            </dd>
          </>
        )}
        <dt>How it came to be</dt>
        <dd>
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<IconFileDescription size={14} />}
            onClick={() => setCard(true)}
          >
            Model card
          </Button>
          <Button
            component="a"
            href={`${address}/provenance`}
            download={`provenance-${run.id}.json`}
            size="compact-xs"
            variant="default"
            leftSection={<IconCertificate size={14} />}
          >
            Provenance (RO-Crate)
          </Button>
        </dd>
      </dl>
      {stored && <ResultFiles runId={run.id} />}
      <LastValues runId={run.id} />
      <TextView
        title="Model card"
        address={card ? `${address}/model-card` : null}
        saveAs={`model-card-${run.id}.md`}
        onClose={() => setCard(false)}
      />
    </Card>
  );
}

function Copied({ text, what }: { text: string; what: string }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <button type="button" className={classes.id} onClick={copy} aria-label={`Copy ${what}: ${text}`}>
          {text} {copied && '· copied'}
        </button>
      )}
    </CopyButton>
  );
}
