/** The field's words and every code, as the docs have them. */

import { glossary } from 'virtual:glossary';
import { pages } from 'virtual:reference';
import { useParams } from '@tanstack/react-router';
import { useEffect } from 'react';
import { Card } from '@/components/Card';
import { PageHead } from '@/components/PageHead';
import { PanelNav } from '@/components/PanelNav';
import { NotFound } from '@/components/RouteStates';
import classes from './HelpPage.module.css';

const NOTES = {
  glossary: 'The words of this page and of the docs, each with one meaning.',
  errors: 'What the hub, a trust and an app say when they say no. A code is stable; texts may say more.',
  findings: 'What the app check looks for, why, and what to do.',
};

export function HelpPage() {
  const { topic } = useParams({ from: '/open/help/$topic' });
  useMarked(topic);
  if (!(topic in NOTES)) return <NotFound />;
  return (
    <>
      <PageHead title="Help" note={NOTES[topic as keyof typeof NOTES]} />
      <PanelNav
        label="Panels of the help"
        panels={[
          { to: '/help/glossary', name: 'Words' },
          { to: '/help/errors', name: 'Error codes' },
          { to: '/help/findings', name: 'Findings of the app check' },
        ]}
      />
      <Card>{topic === 'glossary' ? <Glossary /> : <Written html={pages[topic as 'errors' | 'findings']} />}</Card>
    </>
  );
}

/** Written by this repository's docs and rendered when the page was built; nothing of it comes from a user. */
function Written({ html }: { html: string }) {
  // biome-ignore lint/security/noDangerouslySetInnerHtml: see above
  return <div className={classes.written} dangerouslySetInnerHTML={{ __html: html }} />;
}

function Glossary() {
  return (
    <dl className={classes.glossary}>
      {glossary.map(({ words, html }) => (
        <div key={words[0]} id={idOf(words[0] as string)}>
          <dt>{words.join(', ')}</dt>
          {/* biome-ignore lint/security/noDangerouslySetInnerHtml: from GLOSSARY.md, rendered when the page was built */}
          <dd dangerouslySetInnerHTML={{ __html: html }} />
        </div>
      ))}
    </dl>
  );
}

const idOf = (word: string) => word.toLowerCase().replace(/\W+/g, '-');

/** Goes to the entry that the address names after its #, and marks it. */
function useMarked(topic: string) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new topic is a new page
  useEffect(() => {
    const mark = () => {
      for (const old of document.querySelectorAll('[data-marked]')) old.removeAttribute('data-marked');
      const entry = document.getElementById(decodeURIComponent(location.hash.slice(1)));
      entry?.setAttribute('data-marked', '');
      entry?.scrollIntoView({ block: 'center' });
    };
    mark();
    addEventListener('hashchange', mark);
    return () => removeEventListener('hashchange', mark);
  }, [topic]);
}
