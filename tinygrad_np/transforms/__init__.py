"""Transforms: functions of functions, such as `grad`, `jvp`, `hessian` and `checkpoint`."""
