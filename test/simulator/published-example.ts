/**
 * The example reply that the documentation publishes for the instance list (Open Telekom Cloud, "Querying the Instance
 * List"): two rows, newest first, ids of 19 digits, times of whole seconds.
 */

/** The name of the notification field, in which newer and older references differ. */
export type PublishedSpelling = 'notify_status' | 'notity_status';

/** Returns the text of the reply. It is not made from an object, because JS numbers cannot hold the ids. */
export function publishedExample(spelling: PublishedSpelling): string {
  return `{
  "count" : 2,
  "resources" : [ {
    "id" : 1012386207306600400,
    "name" : "test-1",
    "task_id" : 1012385458115825700,
    "task_type" : "QUALITY_TASK",
    "run_status" : "SUCCESS",
    "${spelling}" : "NOT_TRIGGERED",
    "start_time" : 1661413281000,
    "end_time" : 1661413381000
  }, {
    "id" : 1012386190504218600,
    "name" : "test-0",
    "task_id" : 1012386182149165000,
    "task_type" : "CONSISTENCY_TASK",
    "run_status" : "SUCCESS",
    "${spelling}" : "NOT_TRIGGERED",
    "start_time" : 1661413277000,
    "end_time" : 1661413380000
  } ]
}`;
}
