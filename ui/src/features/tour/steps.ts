/** What each role is shown at its first visit: a few places, in the order of the work. */
import type { Role } from '@/api/types';

export interface Step {
  title: string;
  text: string;
  to: string;
  go: string;
}

const CONNECTIONS: Step = {
  title: 'Which hospitals are connected',
  text: 'Each trust dials out to the hub. Connections shows who is online, with which components and versions.',
  to: '/connections',
  go: 'Connections',
};
const PROJECTS: Step = {
  title: 'Projects',
  text: 'A project is one research question: its cohort, the trusts that say yes to it, and the models trained on it.',
  to: '/projects',
  go: 'Projects',
};

export const STEPS: Record<Role, Step[]> = {
  researcher: [
    {
      title: 'Start with a project',
      text: 'Name the question and say what it is for; the trusts’ staff read that before they decide.',
      to: '/projects',
      go: 'Projects',
    },
    {
      title: 'Ask who is in it',
      text: 'The cohort query is SQL over OMOP. Each trust runs it at home and answers with rounded counts; few persons are not told.',
      to: '/help/glossary#suppressed',
      go: 'What “suppressed” means',
    },
    {
      title: 'Then the trusts decide',
      text: 'Stage the project and each trust’s staff say yes or no. A yes freezes the cohort; it can be withdrawn at any time.',
      to: '/help/glossary#decision',
      go: 'What a decision is',
    },
    {
      title: 'Bring your app and train',
      text: 'Drop a Flower app into a model. It is checked before anything runs; then rounds, metrics and results appear by themselves.',
      to: '/models',
      go: 'Models',
    },
  ],
  trust_admin: [
    {
      title: 'What waits for your answer',
      text: 'My trust lists the projects that ask for your hospital’s patients: who asks, why, the query in words, and how many persons it means.',
      to: '/my-trust',
      go: 'My trust',
    },
    {
      title: 'You decide, and can change your mind',
      text: 'Approve with conditions and an end, decline, or withdraw. Your trust signs the answer itself; a withdrawal ends its part of a run at once.',
      to: '/help/glossary#decision',
      go: 'What a decision is',
    },
    {
      title: 'What left',
      text: 'Counts, metrics and model updates leave your trust; no row and no image does. Your trust keeps a list of every byte it sent.',
      to: '/my-trust',
      go: 'My trust',
    },
    CONNECTIONS,
  ],
  admin: [
    {
      title: 'Let people in',
      text: 'Invite them by mail, answer access requests, reset a lost authenticator.',
      to: '/admin/users',
      go: 'Users',
    },
    {
      title: 'Enrol the hospitals',
      text: 'Each trust gets a code that works once; it makes its own keys with it.',
      to: '/admin/trusts',
      go: 'Trusts',
    },
    {
      title: 'Change the hub without breaking a run',
      text: 'Deployment mode lets running training end and starts nothing new.',
      to: '/admin/site',
      go: 'Banner and mode',
    },
    {
      title: 'Who did what',
      text: 'Every decision and access is in the audit log, which cannot be changed unseen.',
      to: '/admin/audit',
      go: 'Audit',
    },
  ],
  viewer: [PROJECTS, CONNECTIONS],
};
