// What @cloud-copilot/iam-simulate says of requests under resource control policies: reads
// {documents, requests} from standard input, prints whether each request is denied by them.
// Usage: node judge.cjs FOLDER, in which the package is installed.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const { join, resolve } = require("node:path");
const { runUnsafeSimulation } = createRequire(join(resolve(process.argv[2]), "x.js"))(
  "@cloud-copilot/iam-simulate",
);

const all = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
const { documents, requests } = JSON.parse(readFileSync(0, "utf8"));
const policies = documents.map((policy, index) => ({ name: `rcp-${index}`, policy }));
const denied = requests.map(({ action, context, resource }) => {
  const result = runUnsafeSimulation(
    {
      request: {
        principal: context["aws:PrincipalArn"] ?? "arn:aws:iam::111122223333:role/caller",
        action,
        resource: { resource, accountId: "111122223333" },
        contextVariables: context,
      },
      identityPolicies: [{ name: "all", policy: all }],
      serviceControlPolicies: [{ orgIdentifier: "root", policies: [{ name: "all", policy: all }] }],
      resourceControlPolicies: [{ orgIdentifier: "root", policies }],
    },
    {},
  );
  // Without a trust policy nothing is allowed; what is denied in so many words, these deny.
  return result === "ExplicitlyDenied";
});
process.stdout.write(JSON.stringify(denied));
