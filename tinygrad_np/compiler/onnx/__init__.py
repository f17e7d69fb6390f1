"""Export to ONNX, the format in which other programs run models: onnxruntime, browsers, phones.

A function is recorded at three sizes. Each recording becomes a graph of ONNX nodes, one or a few
for each op, and the three become one for any number of rows.
"""
