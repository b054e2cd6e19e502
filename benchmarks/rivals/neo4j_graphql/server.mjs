// Serves an estate in Neo4j by @neo4j/graphql: the definitions of types are read from standard input.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Neo4jGraphQL } from "@neo4j/graphql";
import { createYoga } from "graphql-yoga";
import neo4j from "neo4j-driver";

const driver = neo4j.driver(process.argv[2], undefined, { telemetryDisabled: true });
const neo = new Neo4jGraphQL({ typeDefs: readFileSync(0, "utf8"), driver });
const yoga = createYoga({ schema: await neo.getSchema(), logging: false, maskedErrors: false });
const server = createServer(yoga);
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/graphql`));
