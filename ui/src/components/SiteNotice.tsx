/** What the hub's admins want everyone to know: their banner, and that nothing new starts. */

import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { siteQuery } from '@/api/queries';
import classes from './SiteNotice.module.css';

export function SiteNotice() {
  const site = useQuery(siteQuery()).data;
  if (!site?.banner && !site?.deployment_mode) return null;
  return (
    <aside aria-label="Notice of the hub">
      {site.banner && (
        <p className={classes.notice} data-level={site.banner.level}>
          {site.banner.level === 'info' ? (
            <IconInfoCircle size={17} aria-hidden />
          ) : (
            <IconAlertTriangle size={17} aria-hidden />
          )}
          <span>
            {site.banner.message}{' '}
            {site.banner.link && (
              <a href={site.banner.link} rel="noreferrer">
                More
              </a>
            )}
          </span>
        </p>
      )}
      {site.deployment_mode && (
        <p className={classes.notice} data-level="warning" data-testid="deployment-mode">
          <IconAlertTriangle size={17} aria-hidden />
          <span>
            The hub is being prepared for a change: running training goes on, and nothing new starts.{' '}
            {site.deployment_reason}
          </span>
        </p>
      )}
    </aside>
  );
}
