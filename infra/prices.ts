/** List prices in USD, us-east-1, for the dashboard's estimate; the README works the month out by them. */
export const prices = {
  /** Lambda on arm64, per GB-second. */
  lambdaGbSecond: 0.0000133334,
  /** Lambda, per invocation. */
  lambdaRequest: 0.0000002,
  /** Athena, per terabyte scanned. */
  athenaTerabyte: 5,
} as const;
