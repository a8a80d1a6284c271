#!/bin/bash
#SBATCH --job-name=prunus
#SBATCH --ntasks=8
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=2G
#SBATCH --time=01:00:00
# A scheduler on the first node, a worker for each task, and the command. Submit in a folder that
# all nodes see, with an environment that has `prunus[cluster]` and is activated:
#   sbatch slurm.sh reproduce results
set -eu

file="scheduler-${SLURM_JOB_ID}.json"
dask scheduler --scheduler-file "$file" --port 0 --no-dashboard &
scheduler=$!
trap 'kill "$scheduler" 2>/dev/null || true; rm -f "$file"' EXIT

# A task that is killed takes no other with it.
srun --kill-on-bad-exit=0 dask worker --scheduler-file "$file" --nthreads 1 --no-nanny --no-dashboard \
  --local-directory "${TMPDIR:-/tmp}" &

# The workers end with the job, a minute after their scheduler at the latest.
prunus "$@" --cluster "$file" --cluster-wait 300
