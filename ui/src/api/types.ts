/** Short names for the generated types. Nothing here is written by hand but the names. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type User = Schemas['UserRead'];
export type Project = Schemas['ProjectRead'];
export type ProjectSummary = Schemas['ProjectSummary'];
export type ProjectTrust = Schemas['ProjectTrustRead'];
export type SeriesRule = Schemas['SeriesRule'];
export type Imaging = Schemas['ImagingRead'];
export type Trust = Schemas['TrustRead'];
export type CohortQuery = Schemas['CohortQueryRead'];
export type CohortAnswer = Schemas['CohortAnswerRead'];
export type CohortResult = Schemas['CohortCountResult'];
export type ModelSummary = Schemas['ModelSummary'];
export type QueueEntry = Schemas['QueueEntryRead'];
export type Site = Schemas['SiteRead'];
export type Account = Schemas['AccountRead'];
export type AccessRequest = Schemas['AccessRequestRead'];
export type Invitation = Schemas['InvitationRead'];
export type Mail = Schemas['MailRead'];
export type AuditEvent = Schemas['AuditEventRead'];
export type Received = Schemas['ReceivedRead'];
export type Net = Schemas['NetRead'];
export type Token = Schemas['TokenRead'];
export type Role = Schemas['UserRead']['role'];
export type Model = Schemas['ModelRead'];
export type AppFile = Schemas['FileRead'];
export type Check = Schemas['CheckRead'];
export type Finding = Schemas['Finding'];
export type Run = Schemas['RunRead'];
export type RunOptions = Schemas['RunOptions'];
export type RunEvent = Schemas['EventRead'];
export type Series = Schemas['SeriesRead'];
export type LogLine = Schemas['LogLineRead'];
export type StoredResults = Schemas['ResultsRead'];
export type ResultFile = Schemas['ResultFileRead'];
export type QuerySummary = Schemas['CohortQuerySummary'];
/** Answers always hold what has a default; the document says so only of requests. */
type Told<T> = T extends object ? { [K in keyof T]-?: Told<Exclude<T[K], undefined>> } : T;

export type Timeline = Told<Schemas['TimelineRead']>;
export type Session = Schemas['SessionRead'];
