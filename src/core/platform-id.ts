/** The id under which events of the platform itself are told. It is no tenant's. */
export const platformId = '00000000-0000-0000-0000-000000000000';
