// A TypeDoc plugin: names of a module in categories, by where their source stands.
import { Converter, ReflectionCategory } from "typedoc";

/** The first that fits. */
const CATEGORIES = [
  ["Loading", /\/(core|load|entries\/\w+)\.ts$/],
  ["Layers", /\/(layers\/|parameters\.ts$|stream\.ts$)/],
  ["Losses", /\/train\/loss\.ts$/],
  ["Optimizers", /\/train\/(optimizer|schedule)\.ts$/],
  ["Training", /\/train\//],
  ["Flow", /\/flow\//],
  ["Files", /\/(io\/|node\.ts$)/],
  ["Errors", /\/errors\.ts$/],
  ["Tensors", /./],
];

function categorize(module) {
  const children = (module.children ?? []).map((child) => [
    child,
    (child.isReference() ? child.getTargetReflection() : child).sources?.[0]?.fullFileName ?? "",
  ]);
  const of = (file) => CATEGORIES.find(([, where]) => where.test(file))?.[0];
  module.categories = CATEGORIES.flatMap(([title]) => {
    const category = new ReflectionCategory(title);
    category.children = children.filter(([, file]) => of(file) === title).map(([child]) => child);
    return category.children.length > 0 ? [category] : [];
  });
}

/** Ahead of TypeDoc's own categories, which leave a module alone that has some. */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => project.children?.forEach(categorize), 1000);
}
