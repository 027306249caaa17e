"""Confinement of processes that run what strangers chose: what they may see, do and take (docs/decisions/0067).

kernel        privileges, secrets, memory that nobody reads: calls of the kernel that Python lacks
syscalls      which calls of the kernel a confined process may make (seccomp)
files         which files it may reach (Landlock)
room          one process's room: what it reads, where it writes; `enter` closes the door behind it
namespaces    a view of the machine of its own, where bubblewrap is there
taking        what a process and all that it started take, counted from outside
"""
