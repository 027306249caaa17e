"""What any process takes."""

from __future__ import annotations

from proofgrid.telemetry.metrics.kinds import Counter, Gauge

PROCESSES = Gauge("proofgrid_processes", "Processes of this gateway or prover.", unit="processes", merge="sum")
MEMORY = Gauge("proofgrid_process_resident_bytes", "Memory that the processes take.", unit="bytes", merge="sum")
OPEN_FILES = Gauge(
    "proofgrid_process_open_files", "Open files and connections of the processes.", unit="files", merge="sum"
)
CPU_SECONDS = Counter("proofgrid_process_cpu_seconds_total", "Processor time that the processes took.", unit="seconds")
