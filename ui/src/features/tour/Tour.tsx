/** A few words at the first visit of each role, and again when asked for. It covers nothing: one can go on beside it. */
import { Button, CloseButton, Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Role } from '@/api/types';
import { STEPS, type Step } from './steps';
import classes from './Tour.module.css';

export function Tour({ role, onEnd }: { role: Role; onEnd: () => void }) {
  const steps = STEPS[role];
  const [place, setPlace] = useState(0);
  const step = steps[place] as Step;
  const last = place === steps.length - 1;
  return (
    <aside className={classes.tour} aria-label="First steps" data-testid="tour">
      <div className={classes.head}>
        <span className="eyebrow num">
          First steps · {place + 1} of {steps.length}
        </span>
        <CloseButton aria-label="Close the first steps" size="sm" onClick={onEnd} />
      </div>
      <div role="status">
        <Text fw={600}>{step.title}</Text>
        <Text size="sm" c="dimmed" mt={4}>
          {step.text}
        </Text>
      </div>
      <Group justify="space-between" mt="sm" gap={8}>
        <Link to={step.to} className={classes.link}>
          {step.go}
        </Link>
        <Group gap={8}>
          {place > 0 && (
            <Button variant="default" size="xs" onClick={() => setPlace(place - 1)}>
              Back
            </Button>
          )}
          <Button variant="light" size="xs" onClick={() => (last ? onEnd() : setPlace(place + 1))}>
            {last ? 'Done' : 'Next'}
          </Button>
        </Group>
      </Group>
    </aside>
  );
}
