// What the phantom takes of dcmjs, which has no types.
declare module 'dcmjs' {
  type Attributes = Record<string, unknown>;
  const dcmjs: {
    data: {
      DicomMetaDictionary: { denaturalizeDataset(dataset: Attributes): Attributes };
      DicomDict: new (meta: Attributes) => { dict: Attributes; write(): ArrayBuffer };
    };
  };
  // biome-ignore lint/style/noDefaultExport: it is how a CommonJS module is imported
  export default dcmjs;
}
