// Asks a router which model should answer, and what else it considered.
//
//   node examples/route.js 'Prove that there are infinitely many primes.'
import { createClient, explain } from "@pointsman/client";

const [text = "Prove that there are infinitely many primes."] = process.argv.slice(2);
const router = createClient({ target: process.env.POINTSMAN_TARGET });
const response = await router.route({ input: { case: "text", value: text }, explain: true });
console.log(explain(response));
