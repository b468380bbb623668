"""The folder that `everytoken run` puts on PYTHONPATH; its `sitecustomize` starts the recording.

May import `everytoken` alone, and that only if it is there: any Python below an `everytoken run` runs this.
"""
