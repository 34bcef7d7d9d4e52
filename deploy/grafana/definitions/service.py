"""Is it up, is it fast, does it turn anybody away?"""

from definitions.panels import Query, above, below, board, course, density, figure, row
from definitions.queries import (INSTANCES, SERVER_FAULTS, at_most, by, mean, quantile, rate, series,
                                 where)

REQUESTS = "pointsman_grpc_requests_total"
STAGES = "pointsman_stage_duration_seconds"
TOTAL = 'stage="total"'
ERRORS = f"{rate(REQUESTS, SERVER_FAULTS)} / {rate(REQUESTS)}"
SHED = f"{rate('pointsman_requests_shed_total')} / {rate(REQUESTS)}"

DASHBOARD = board(
    "service", "Service", "Is it up, is it fast, does it turn anybody away?",
    figure("Instances up", "Targets that answer a scrape. Good: as many as you run. If not: runbook of "
           "PointsmanDown.", f"sum(up{{{INSTANCES}}})", thresholds=below(2, 1)),
    figure("Requests", "Answered requests a second, all methods. A batch is one.", rate(REQUESTS), "reqps"),
    figure("Errors", "Share of answers that are the server's fault: unavailable, internal, refused for "
           "want of room. Good: below 0.1 %. If not, see errors by code below.",
           ERRORS, "percentunit", above(0.001, 0.0144)),
    figure("Decision, p99", "99 of 100 decisions take less. Good: below 5 ms; a static embedder with some "
           "thousand exemplars stays below 1 ms. If not, see which stage.",
           quantile(0.99, STAGES, TOTAL), "s", above(0.002, 0.005)),
    figure("Refused", "Share of requests refused before any work. Good: 0. If not: more replicas, or "
           "fewer callers; the reasons are below.", SHED, "percentunit", above(0.001, 0.01)),
    figure("Utilisation", "Decisions in flight over those that the limits leave room for, mean of the "
           "instances. Good: below 80 %. If not, scale out.",
           by("", series("pointsman_utilisation_ratio"), "avg"), "percentunit", above(0.6, 0.8)),

    row("Is it up?"),
    course("Instances", "Targets that answer, by track. A step down that does not come back is an "
           "instance lost.", Query(by("track", f"up{{{INSTANCES}}}"), "{{track}}")),
    course("Answers by code", "Good: OK and what callers ask for wrongly (INVALID_ARGUMENT). UNAVAILABLE: "
           "draining. RESOURCE_EXHAUSTED: refused. INTERNAL should never be seen: report it.",
           Query(rate(REQUESTS, labels="code") + " > 0", "{{code}}"), unit="reqps", stacked=True),
    course("Errors by instance", "Good: below 0.1 % (dashed: the rate that uses up a month's budget in "
           "two days). One instance alone: its host or its bundle; all: the load or a release.",
           Query(f"{rate(REQUESTS, SERVER_FAULTS, labels='instance')}"
                 f" / {rate(REQUESTS, labels='instance')}", "{{instance}}"),
           unit="percentunit", thresholds=above(0.001, 0.0144)),
    course("Starts in an hour", "Good: 0, or 1 after a release. Several: its last log line says why it "
           "ended.", Query(f"changes({series('process_start_time_seconds')}[1h])", "{{instance}}"),
           thresholds=above(2, 4)),
    course("Requests by method", "What callers use.",
           Query(rate(REQUESTS, labels="method"), "{{method}}"), unit="reqps"),
    course("Deadlines missed", "Share of answers that are DEADLINE_EXCEEDED. Good: below 1 %. If not: "
           "deadlines shorter than the queue and the work, see queue delay.",
           Query(f"{rate(REQUESTS, where(code='DEADLINE_EXCEEDED'))} / {rate(REQUESTS)}", "missed"),
           unit="percentunit", thresholds=above(0.01)),

    row("Is it fast?"),
    course("Decision", "Time of a decision, without queue and network. Good: p99 below 5 ms and not far "
           "from p50; if only the p99 rises, the host is crowded.",
           *(Query(quantile(q, STAGES, TOTAL), name)
             for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))),
           unit="s", thresholds=above(0.005)),
    course("Stages, mean", "Where the time goes. Search grows with exemplars, embed with the length of "
           "queries, choose with models.",
           Query(mean(STAGES, 'stage!="total"', labels="stage"), "{{stage}}"), unit="s", stacked=True),
    density("Decisions by duration", "Two bands mean two kinds of queries, such as short and very long "
            "ones.", "pointsman_stage_duration_seconds", "s"),
    course("Queue delay", "Time between acceptance and work. Good: well below max_queue_delay_ms (5 ms), "
           "above which requests are refused. If not, more workers or replicas.",
           *(Query(quantile(q, "pointsman_queue_delay_seconds"), name)
             for q, name in ((0.5, "p50"), (0.99, "p99"))), unit="s", thresholds=above(0.003, 0.005)),
    course("Queued at once", "Accepted requests that no thread works on yet. Good: near 0.",
           Query(by("instance", series("pointsman_queue_length")), "{{instance}}")),
    course("Waited less than 1 ms", "Share of requests. Good: above 99 %.",
           Query(at_most("pointsman_queue_delay_seconds", "0.001"), "share"), unit="percentunit", high=1),

    row("Does it turn anybody away?"),
    course("Refused by reason", "in_flight: max_requests_in_flight; queue_delay: the wait would be too "
           "long; client_share: one client takes more than its part; draining: it ends. Good: 0 but for "
           "draining at a release.",
           Query(rate("pointsman_requests_shed_total", labels="reason"), "{{reason}}"), unit="reqps"),
    course("In flight", "Accepted and not yet answered. Good: far below max_requests_in_flight (1,000).",
           Query(by("instance", series("pointsman_grpc_requests_in_flight")), "{{instance}}")),
    course("Utilisation", "Good: below 80 %; above, scale out.",
           Query(by("instance", series("pointsman_utilisation_ratio"), "max"), "{{instance}}"),
           unit="percentunit", thresholds=above(0.8)),
    course("Connections", "Open connections. Good: below max_connections (5,000).",
           Query(by("instance", series("pointsman_connections")), "{{instance}}")),
    course("Connections accepted and refused", "Refused ones are closed at once: refused_limit beyond "
           "max_connections, refused_files for want of open files. Good: 0 refused.",
           Query(rate("pointsman_connections_total", labels="result"), "{{result}}"), unit="cps"),
    course("Callers by result", "Calls looked up in the table of clients; empty without one. Good: "
           "accepted. unknown_key, expired: somebody has an old key; many at once: somebody tries.",
           Query(rate("pointsman_authentications_total", labels="result"), "{{result}}"),
           unit="reqps", no_value="no table of clients"),

    row("Front door of a proxy (ext_proc)"),
    course("Requests of proxies", "routed: a model was set; shadowed: only told; passed: nothing to "
           "decide; failed_open and failed_closed: no decision. Good: no failures. 0 without ext_proc.",
           Query(rate("pointsman_ext_proc_requests_total", labels="result"), "{{result}}"),
           unit="reqps", width=12),
    course("Failures by reason", "Why there was no decision. Good: 0.",
           Query(rate("pointsman_ext_proc_failures_total", labels="reason"), "{{reason}}"),
           unit="reqps", width=12),

    row("Decision log"),
    course("Records written", "Good: as many as decisions, where a log is asked for.",
           Query(rate("pointsman_decision_log_records_total"), "written"),
           Query(rate("pointsman_decisions_total"), "decisions")),
    course("Records lost by reason", "ring_full: the disk is slower than the decisions; write_failed: "
           "disk full or gone; too_large: a record beyond the ring. Good: 0.",
           Query(rate("pointsman_decision_log_dropped_total", labels="reason"), "{{reason}}")),
    course("Bytes written", "What the disk has to take, and how often a new file is begun.",
           Query(rate("pointsman_decision_log_bytes_total"), "bytes a second"), unit="Bps"),
    course("Bytes that wait", "In the ring, for the writer. Good: near 0; at decision_log_ring_bytes "
           "(8 MiB) records are lost.",
           Query(by("instance", series("pointsman_decision_log_ring_bytes")), "{{instance}}"),
           unit="bytes"),
    course("Failed writes", "Each try counted. Good: 0; if not, the server's log names the file and the "
           "cause.", Query(rate("pointsman_decision_log_write_errors_total"), "failed writes")),
    course("Files begun", "Rotations within an hour.",
           Query(by("", f"increase({series('pointsman_decision_log_rotations_total')}[1h])"), "rotations")),

    row("Process"),
    course("Processor", "Cores in use. Good: below the limit of the container, or p99 suffers.",
           Query(rate("process_cpu_seconds_total", labels="instance"), "{{instance}}")),
    course("Memory", "Resident and reserved. Good: level, with a step at a new bundle (three are in memory "
           "at most).",
           Query(by("instance", series("process_resident_memory_bytes")), "{{instance}} resident"),
           Query(by("instance", series("process_virtual_memory_bytes")), "{{instance}} virtual"),
           unit="bytes"),
    course("Open files", "Share of the limit. Good: below 80 %; if not, raise the limit or bound "
           "connections.",
           Query(f"{series('process_open_fds')} / {series('process_max_fds')}", "{{instance}}"),
           unit="percentunit", thresholds=above(0.8)),
    course("Threads", "Good: level.", Query(by("instance", series("process_threads")), "{{instance}}")),
    course("Certificate expires in", "Good: more than 7 days. If not, renew; files are read again as "
           "they change.",
           Query(f"({series('pointsman_certificate_not_after_seconds')} > 0) - time()", "{{instance}}"),
           unit="s", thresholds=below(7 * 86400, 86400), low=None, no_value="no TLS"),
    course("Scrapes", "A second. Good: one in each scrape interval for each Prometheus.",
           Query(rate("exposer_scrapes_total", labels="instance"), "{{instance}}")),
    course("Time of a scrape, p99", "Microseconds. Good: below 50,000; it grows with the series of "
           "bundles.",
           Query(by("instance", series("exposer_request_latencies", where(quantile="0.99")), "max"),
                 "{{instance}}"), unit="µs"),
    course("Bytes of scrapes", "A second. It grows with the series of bundles.",
           Query(rate("exposer_transferred_bytes_total", labels="instance"), "{{instance}}"), unit="Bps"),
)
