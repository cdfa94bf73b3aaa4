/** A role, and the trusts that it speaks for where it needs some. */
import { MultiSelect, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { trustsQuery } from '@/api/queries';
import type { Role } from '@/api/types';
import { ROLES } from './queries';

interface Props {
  role: Role;
  trusts: string[];
  onChange: (part: { role?: Role; trusts?: string[] }) => void;
}

export function RoleFields({ role, trusts, onChange }: Props) {
  const names = useQuery(trustsQuery()).data?.map((trust) => trust.name) ?? [];
  return (
    <>
      <Select
        label="Role"
        description={ROLES.find((one) => one.value === role)?.what}
        allowDeselect={false}
        data={ROLES.map(({ value, label }) => ({ value, label }))}
        value={role}
        onChange={(value) => value && onChange({ role: value as Role, trusts: value === 'trust_admin' ? trusts : [] })}
      />
      {role === 'trust_admin' && (
        <MultiSelect
          label="Trusts"
          description="Those that this person speaks for"
          data={names}
          value={trusts}
          onChange={(value) => onChange({ trusts: value })}
        />
      )}
    </>
  );
}
