/** Rights that somebody was granted on an object. */
export interface GrantRow {
  /** The role, or `public`. */
  readonly role: string;
  readonly rights: readonly string[];
}

/** A column that may hold the tenant. */
export interface ColumnRow {
  readonly name: string;
  readonly place: number;
  readonly type: string;
  readonly nullable: boolean;
  readonly default: string | null;
}

/** A table, partition, view, materialized view or foreign table. */
export interface RelationRow {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** As in `pg_class.relkind`: r, p, v, m or f. */
  readonly kind: string;
  readonly owner: string;
  readonly rowSecurity: boolean;
  readonly forced: boolean;
  readonly partition: boolean;
  /** The table that it is a partition of, or inherits from. */
  readonly parent: string | null;
  /** Whether others inherit from it, partitions apart. */
  readonly inherited: boolean;
  /** Whether a view reads with the rights of whoever asks. */
  readonly invoker: boolean;
  /** Whether it is found without its schema. */
  readonly visible: boolean;
  readonly columns: readonly ColumnRow[];
  /** What the roles in question and the service role were granted, the owner's own rights apart. */
  readonly grants: readonly GrantRow[];
}

/** A foreign key. */
export interface ForeignKeyRow {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly columns: readonly string[];
  readonly targets: readonly string[];
  /** As in `pg_constraint`: a, r, c, n or d. */
  readonly onDelete: string;
  readonly onUpdate: string;
  /** The columns that ON DELETE SET NULL or SET DEFAULT sets, where they are named. */
  readonly sets: readonly string[];
  readonly definition: string;
}

/** An index, with the constraint that it stands for. */
export interface IndexRow {
  readonly name: string;
  readonly schema: string;
  readonly table: string;
  readonly unique: boolean;
  readonly exclusion: boolean;
  readonly method: string;
  /** The columns of the key; empty texts stand for expressions. */
  readonly columns: readonly string[];
  readonly partial: boolean;
  readonly definition: string;
  readonly constraint: { readonly name: string; readonly type: string } | null;
  /** True when the values of its one column are made by the database or cannot be guessed. */
  readonly surrogate: boolean;
}

/** A policy. */
export interface PolicyRow {
  readonly name: string;
  readonly table: string;
  /** As in `pg_policy.polcmd`: r, a, w, d or *. */
  readonly command: string;
  readonly permissive: boolean;
  /** Role names; `public` for everybody. */
  readonly roles: readonly string[];
  /** Expression trees. */
  readonly using: string | null;
  readonly check: string | null;
  /** The volatile functions that it calls. */
  readonly volatile: readonly string[];
}

/** A function or procedure of the application that matters to isolation. */
export interface RoutineRow {
  readonly oid: string;
  /** Quoted, with its arguments. */
  readonly sql: string;
  readonly label: string;
  readonly schema: string;
  readonly owner: string;
  readonly definer: boolean;
  readonly leakproof: boolean;
  readonly trigger: boolean;
  readonly searchPath: boolean;
  /** Whether one of the roles in question may call it. */
  readonly callable: boolean;
  readonly body: string;
  readonly uses: readonly string[];
}

/** A trigger or a rule of a table. */
export interface TriggerRow {
  readonly name: string;
  readonly table: string;
  readonly rule: boolean;
  /** The function of a trigger. */
  readonly routine: string | null;
}

/** A role in question: the one that is checked, the application's, and whatever they are members of. */
export interface RoleRow {
  readonly name: string;
  /** True when the application's role of tenant transactions reaches it too. */
  readonly app: boolean;
  readonly superuser: boolean;
  readonly bypass: boolean;
  readonly createRole: boolean;
  readonly replication: boolean;
  /** The roles in question that it is a member of, the service role too. */
  readonly memberOf: readonly string[];
}

/** A schema. */
export interface SchemaRow {
  readonly name: string;
  /** Whether one of the roles in question may look into it. */
  readonly usage: boolean;
  /** Those of the roles in question, or `public`, that may create in it, the owner apart. */
  readonly creators: readonly string[];
}

/** A publication with a table of it. */
export interface PublicationRow {
  readonly name: string;
  readonly table: string;
  /** How the table came into it. */
  readonly by: 'all' | 'schema' | 'table';
}

/** Default privileges on tables. */
export interface DefaultGrantRow {
  readonly owner: string;
  readonly schema: string | null;
  readonly role: string;
}

/** What a doctor looks at: everything in the catalogue of a database that bears on isolation. */
export interface Catalogue {
  readonly relations: readonly RelationRow[];
  readonly foreignKeys: readonly ForeignKeyRow[];
  readonly indexes: readonly IndexRow[];
  readonly policies: readonly PolicyRow[];
  readonly routines: readonly RoutineRow[];
  readonly triggers: readonly TriggerRow[];
  /** Which relation each view reads. */
  readonly reads: readonly { readonly view: string; readonly relation: string }[];
  readonly sequences: readonly (GrantRow & { readonly schema: string; readonly name: string })[];
  /** Columns whose values come from a sequence. */
  readonly numbered: readonly { readonly table: string; readonly column: string; readonly identity: boolean }[];
  readonly publications: readonly PublicationRow[];
  readonly defaultGrants: readonly DefaultGrantRow[];
  readonly largeObjects: readonly { readonly role: string; readonly owned: boolean; readonly count: number }[];
  readonly settings: readonly { readonly role: string | null; readonly database: string | null }[];
  readonly equalities: ReadonlySet<string>;
}
