// Has a model whatever happens: the router's choice, or the first of its own list that will do. Needs no
// server to end well.
//
//   node examples/route_or_default.js 'Why does my loop never end?'
import { createClient, explain, rankFromCatalogue } from "@pointsman/client";

const [text = "Why does my loop never end?"] = process.argv.slice(2);
const router = createClient({ target: process.env.POINTSMAN_TARGET });

// What the catalogue says of the models lets requirements be checked without a router. An application
// fetches it once, when it starts.
/** @type {import("@pointsman/client").DefaultRanking} */
let ranking = ["my-default"];
try {
  const { catalogue } = await router.getCatalogue();
  if (catalogue) {
    ranking = rankFromCatalogue(
      catalogue,
      catalogue.models.map((model) => model.id),
    );
  }
} catch (error) {
  console.error(`no catalogue, so ids alone have to do: ${String(error)}`);
}

const routed = await router.routeOrDefault({ input: { case: "text", value: text } }, ranking);
console.log(explain(routed));
console.log(router.defaultCounts());
