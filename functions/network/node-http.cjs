/**
 * What bundles load as `node:http`. An ES import would read every export, among them WebSocket, for which Node loads its
 * own undici: 40 ms of CPU time at each start of the command line, 11 to 35 ms of a Lambda's.
 */
module.exports = process.getBuiltinModule('node:http');
