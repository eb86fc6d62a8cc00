/**
 * A plugin of typedoc: a document is named by its heading instead of its file, and stands under "Guides" or "Errors"; a
 * module is named as it is imported. So the Markdown files need no front matter, which readers of the repository would see.
 */
import {
  type Application,
  Converter,
  type DeclarationReflection,
  type DocumentReflection,
  ReflectionKind,
} from 'typedoc';

export function load(app: Application): void {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context: unknown, document: DocumentReflection) => {
    const [first] = document.content;
    const heading = first?.kind === 'text' ? /^\s*# (.+)\n/.exec(first.text) : null;
    if (first === undefined || heading === null) return;
    first.text = first.text.slice(heading[0].length);
    document.name = heading[1]?.replaceAll('`', '') ?? document.name;
    document.frontmatter.category =
      document.name === 'Errors' || /^[a-z]+(_[a-z]+)+$/.test(document.name) ? 'Errors' : 'Guides';
  });
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_context: unknown, module: DeclarationReflection) => {
    if (!module.kindOf(ReflectionKind.Module)) return;
    module.name = module.name.replace(/^src(?=$|\/)/, 'tenantry').replace(/^examples\/(\w+)\/adapter$/, 'tenantry/$1');
  });
}
