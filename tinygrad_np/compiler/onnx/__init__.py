"""Export to ONNX, the format in which other programs run models: onnxruntime, browsers, phones.

A function is recorded at five sizes, 1 row among them. Each recording becomes a graph of ONNX
nodes, one or a few for each op, and all of them become one for any number of rows.
"""
