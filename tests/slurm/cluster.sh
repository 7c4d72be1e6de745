#!/usr/bin/env bash
# A real SLURM on this machine, for the user who calls this: munge, one controller, one node, two partitions of which
# `urgent` preempts jobs of `normal` and requeues them.
#   cluster.sh start DIR     everything it keeps is below DIR; afterwards SLURM_CONF=DIR/slurm.conf
#   cluster.sh stop DIR
# Needs the programs of Debian's packages slurm-wlm and munge.
set -euo pipefail
command=$1 dir=$2
export PATH=$PATH:/usr/sbin SLURM_CONF=$dir/slurm.conf

start() {
    mkdir -p -m 755 "$dir" "$dir"/{state,spool,munge}
    (umask 077 && head -c 1024 /dev/urandom > "$dir/munge/key")
    munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" \
        --log-file="$dir/munge/log" --seed-file="$dir/munge/seed"
    cat > "$SLURM_CONF" <<CONF
ClusterName=seedbed
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket,cred_expire=5  # a requeued job waits that long
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides  # two jobs side by side, whatever this machine has
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=5
MinJobAge=600
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1
NodeName=$(hostname) NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=normal Nodes=ALL Default=YES PriorityTier=1 PreemptMode=REQUEUE
PartitionName=urgent Nodes=ALL PriorityTier=10 PreemptMode=OFF
CONF
    echo "CgroupPlugin=cgroup/v1" > "$dir/cgroup.conf"
    slurmctld
    slurmd
    for _ in $(seq 60); do
        [[ $(sinfo -h -o %T -p normal) == idle ]] && return
        sleep 1
    done
    tail -n 20 "$dir"/*.log >&2
    exit 1
}

stop() {
    for pid in slurmd.pid slurmctld.pid munge/pid; do
        [[ -f $dir/$pid ]] && kill "$(cat "$dir/$pid")" || true
    done
}

"$command"
