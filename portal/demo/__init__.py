"""`yinxin demo`: the main job once, over HTTP against the served application, with an invented authority."""
